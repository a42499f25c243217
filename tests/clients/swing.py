"""What a hand does with a Java program's windows: find what they show, press it, wait, take a picture."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import jpype
import jpype.config
from jpype import JClass, JObject
from PIL import Image

T = TypeVar("T")
_SECONDS = 300.0
_SETTLED_S = 2.5


def start_java(jar: Path, *options: str) -> None:
    """Start this process's one Java machine; it needs a screen, and ends with the process."""
    jpype.config.onexit = False  # else Python waits for Java's threads, which have no end
    smooth = ("-Djava.awt.headless=false", "-Dawt.useSystemAAFontSettings=on", "-Dswing.boldMetal=false")
    jpype.startJVM(*smooth, *options, classpath=[str(jar)])


def on_screen_thread(wanted: Callable[[], T]) -> T:
    """What a function returns when the one thread runs it that may touch windows.

    Raises:
        BaseException: What the function raised.
    """
    answers: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(wanted())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)

    JClass("javax.swing.SwingUtilities").invokeAndWait(_task(run))
    for error in errors:
        raise error
    return answers[0]


def windows(kind: str) -> list[JObject]:
    """Those of a class that can be seen."""
    wanted = JClass(kind)
    return [
        one for one in JClass("java.awt.Window").getWindows() if isinstance(one, wanted) and one.isShowing()
    ]


def parts(root: JObject, kind: str) -> Iterator[JObject]:
    """Every part of a window that is of a class; also what is in menus."""
    if isinstance(root, JClass(kind)):
        yield root
    if isinstance(root, JClass("javax.swing.JMenu")):
        children = root.getMenuComponents()
    else:
        children = root.getComponents() if isinstance(root, JClass("java.awt.Container")) else ()
    for child in children:
        yield from parts(child, kind)


def visible_parts(root: JObject, kind: str) -> Iterator[JObject]:
    """The parts of a class that can be seen."""
    return (one for one in parts(root, kind) if one.isShowing())


def press(root: JObject, text: str) -> None:
    """Press the button, or choose the entry of a menu, that says so, as soon as it can be pressed."""

    def find_parts() -> list[JObject]:
        buttons = parts(root, "javax.swing.AbstractButton")
        return [one for one in buttons if str(one.getText()) == text and one.isEnabled()]

    button = wait_for(f"button {text!r}", find_parts)[0]
    JClass("javax.swing.SwingUtilities").invokeLater(_task(button.doClick))  # a dialog it opens would wait


def wait_for(event: str, wanted: Callable[[], T | None], seconds: float = _SECONDS) -> T:
    """What a function gives on the screen's thread, as soon as that is something.

    Raises:
        TimeoutError: It gave nothing in time.
    """
    end = time.monotonic() + seconds
    while not (answer := on_screen_thread(wanted)):
        if time.monotonic() > end:
            raise TimeoutError(f"no {event} in {seconds:.0f} s")
        time.sleep(0.1)
    return answer


def wait_until_settled(event: str, wanted: Callable[[], T | None]) -> T:
    """What a function gives when it gives the same for a while: the window has done its work.

    Raises:
        TimeoutError: It gave nothing in time, or always something else.
    """
    last, since, end = wait_for(event, wanted), time.monotonic(), time.monotonic() + _SECONDS
    while time.monotonic() - since < _SETTLED_S:
        if time.monotonic() > end:
            raise TimeoutError(f"the {event} changes all the time")
        if (now := wait_for(event, wanted)) != last:
            last, since = now, time.monotonic()
        time.sleep(0.1)
    return last


def resize(window: JObject, width: int, height: int) -> None:
    """Give a window another size, in pixels, and lay it out anew."""

    def change() -> None:
        window.setSize(width, height)
        window.validate()

    on_screen_thread(change)


def picture(window: JObject) -> Image.Image:
    """A window as it is painted, without a frame."""
    kind = JClass("java.awt.image.BufferedImage")
    width, height = int(window.getWidth()), int(window.getHeight())
    image = kind(width, height, kind.TYPE_INT_RGB)

    def paint() -> None:
        graphics = image.createGraphics()
        window.paint(graphics)
        graphics.dispose()

    on_screen_thread(paint)
    pixels = memoryview(image.getRGB(0, 0, width, height, None, 0, width)).tobytes()
    return Image.frombytes("RGB", (width, height), pixels, "raw", "BGRX")


def _task(wanted: Callable[[], object]) -> JObject:
    return jpype.JProxy("java.lang.Runnable", {"run": wanted})
