"""TOPCAT with its windows: a TAP service opened, looked at, asked and plotted, as a hand would."""

import math
from pathlib import Path

from jpype import JClass, JObject

from tests.clients.swing import (
    on_screen_thread,
    parts,
    press,
    resize,
    start_java,
    visible_parts,
    wait_for,
    wait_until_settled,
    windows,
)

JAR = Path("/usr/share/java/starlink-topcat.jar")
_TOPCAT = "uk.ac.starlink.topcat"
_NO_REGISTRY = "Service search error"
"""TOPCAT's complaint that it cannot search the web for services; it is not what is looked at."""

Meta = list[tuple[str, str]]
"""Names of columns and their units, empty where there is none."""
Rows = list[list[object]]


class ComplaintError(Exception):
    """What TOPCAT says in a dialog when something went wrong."""


class Topcat:
    """A TOPCAT that runs on this process's screen, with its window of TAP queries open.

    Args:
        home: Folder for what TOPCAT keeps of a user.
        host: The one that it may reach.
    """

    def __init__(self, home: Path, host: str) -> None:
        nobody = ("-Dhttp.proxyHost=127.0.0.1", "-Dhttp.proxyPort=9", f"-Dhttp.nonProxyHosts={host}")
        start_java(JAR, f"-Duser.home={home}", f"-Djava.util.prefs.userRoot={home}", *nobody)
        JClass(f"{_TOPCAT}.Driver").main(["-nohub"])
        self._control = JClass(f"{_TOPCAT}.ControlWindow").getInstance()
        press(self._control.getJMenuBar(), "Load Table")
        loading = wait_for("window to load tables", lambda: windows(f"{_TOPCAT}.LoadWindow"))[0]
        press(loading, "Table Access Protocol (TAP) Query")
        self.tap = wait_for("window of TAP", lambda: windows(f"{_TOPCAT}.TableLoadDialogWindow"))[0]

    def open_service(self, url: str) -> None:
        """Give the service's URL, and wait until its tables are shown."""
        field = next(parts(self.tap, "uk.ac.starlink.util.gui.ExampleSelectField"))
        on_screen_thread(lambda: field.setText(url))
        press(self.tap, "Use Service")
        wait_for("list of tables", self._table_rows)

    def tables(self) -> dict[str, Meta]:
        """Every table that is listed, with its columns and their units."""
        nodes = on_screen_thread(self._table_rows)
        return {
            name: [(str(one.getName()), str(one.getUnit() or "")) for one in table.getColumns()]
            for name, (_, table) in nodes.items()
        }

    def show_columns(self, table: str) -> Meta:
        """Choose a table of the list; what is then seen of its columns."""
        row, _ = on_screen_thread(self._table_rows)[table]
        tree = next(visible_parts(self.tap, "javax.swing.JTree"))
        on_screen_thread(lambda: tree.setSelectionRow(row))
        tabs = next(
            one for one in visible_parts(self.tap, "javax.swing.JTabbedPane") if one.indexOfTab("Columns") > 0
        )
        on_screen_thread(lambda: tabs.setSelectedIndex(tabs.indexOfTab("Columns")))
        seen = wait_for(
            "columns", lambda: [one for one in visible_parts(tabs, "javax.swing.JTable") if one.getRowCount()]
        )
        return on_screen_thread(lambda: _units(seen[0]))

    def examples(self) -> list[str]:
        """The names in the menu of examples that come from the service."""
        press(self.tap, "Examples")
        menu = wait_for("menu of the service's examples", self._example_menu)
        return on_screen_thread(lambda: [str(entry.getText()) for entry in menu.getMenuComponents()])

    def choose_example(self, name: str) -> str:
        """Choose one of them; the query that is then to be seen."""
        press(self.tap, "Examples")
        press(wait_for("menu of the service's examples", self._example_menu), name)
        return wait_for("query", lambda: str(self._query().getText()))

    def edit(self, query: str) -> None:
        """Write another query."""
        on_screen_thread(lambda: self._query().setText(query))

    def run(self) -> tuple[Meta, Rows]:
        """Run the query; columns and rows of the table that TOPCAT then has.

        Raises:
            ComplaintError: It has none.
        """
        before = int(self._control.getTablesListModel().getSize())
        press(self.tap, "Run Query")
        table = wait_for("table", lambda: self._new_table(before)).getDataModel()
        infos = [table.getColumnInfo(i) for i in range(table.getColumnCount())]
        columns = [(str(info.getName()), str(info.getUnitString() or "")) for info in infos]
        return columns, [[_plain(cell) for cell in table.getRow(i)] for i in range(table.getRowCount())]

    def plot(self, across: str, up: str, width: int, height: int) -> tuple[JObject, str]:
        """Plot two columns of the newest table; the window, when it is painted, and its count of points.

        Args:
            across: Name of the column on the x axis.
            up: Name of the column on the y axis.
            width: Of the window, in pixels.
            height: Of the window, in pixels.
        """
        press(self._control.getJMenuBar(), "Plane Plot")
        window = wait_for("plot", lambda: windows(f"{_TOPCAT}.plot2.PlanePlotWindow"))[-1]
        boxes = wait_for("axes", lambda: list(visible_parts(window, f"{_TOPCAT}.ColumnDataComboBox")))
        for box, column in zip(boxes, (across, up), strict=True):
            on_screen_thread(lambda box=box, column=column: _choose(box, column))
        resize(window, width, height)
        return window, wait_until_settled("count of points", lambda: _count(window))

    def _table_rows(self) -> dict[str, tuple[int, JObject]]:
        """Row in the tree, and metadata, of each table that is listed; nothing until all is known of all."""
        found = {}
        for tree in visible_parts(self.tap, "javax.swing.JTree"):
            for row in range(tree.getRowCount()):
                node = tree.getPathForRow(row).getLastPathComponent()
                if isinstance(node, JClass("uk.ac.starlink.vo.TableMeta")):
                    found[str(node.getName())] = (row, node)
        return found if all(node.getColumns() is not None for _, node in found.values()) else {}

    def _example_menu(self) -> JObject | None:
        """The menu that the service's examples are in, where the menu of all examples is open."""
        for window in JClass("java.awt.Window").getWindows():
            for menu in parts(window, "javax.swing.JMenu"):
                if str(menu.getText()) == "Service-Provided":
                    return menu
        return None

    def _query(self) -> JObject:
        return next(visible_parts(self.tap, "uk.ac.starlink.vo.TapQueryPanel$ParseTextArea"))

    def _new_table(self, before: int) -> JObject | None:
        for dialog in windows("uk.ac.starlink.util.gui.ErrorDialog"):
            if str(dialog.getTitle()) != _NO_REGISTRY:
                said = [
                    str(label.getText()) for label in parts(dialog, "javax.swing.JLabel") if label.getText()
                ]
                dialog.dispose()
                raise ComplaintError(" ".join(said))
        tables = self._control.getTablesListModel()
        return tables.getElementAt(before) if tables.getSize() > before else None


def _count(window: JObject) -> str:
    """What a plot says of how many points it has, such as `6 / 6`; empty until it is painted."""
    texts = [str(label.getText()) for label in visible_parts(window, "javax.swing.JLabel")]
    return texts[texts.index("Count: ") + 1]


def _choose(box: JObject, text: str) -> None:
    items = [str(box.getItemAt(i)) for i in range(box.getItemCount())]
    box.setSelectedIndex(items.index(text))


def _units(table: JObject) -> Meta:
    """Names and units as they stand on the screen."""
    name, unit = (table.getColumnModel().getColumnIndex(title) for title in ("Name", "Unit"))
    return [
        (str(table.getValueAt(row, name)), str(table.getValueAt(row, unit) or ""))
        for row in range(table.getRowCount())
    ]


def _plain(value: JObject | None) -> object:
    """A cell as JSON has it; None where there is nothing."""
    if value is None or isinstance(value, JClass("java.lang.String")):
        return value and str(value)
    number = int(value) if isinstance(value, JClass("java.lang.Long")) else float(value)
    return None if math.isnan(number) else number
