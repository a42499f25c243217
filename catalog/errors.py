"""The errors of `catalog` that its callers catch, each a line of text; CatalogError is the base of all."""


class CatalogError(Exception):
    """Base of every error a user of `catalog` can cause; its text is one line."""


class ServerError(CatalogError):
    """The database server cannot be started, reached or used."""


class ReadOnlyError(CatalogError):
    """Something would change a catalogue that this service only reads."""


class LockHeldError(CatalogError):
    """Another session holds a lock and will not let it go."""


class SettingsError(CatalogError):
    """The file of the user's own settings cannot be understood."""


class SchemaError(CatalogError):
    """The schema in the database is not the one this version of galcat knows."""


class CollisionError(CatalogError):
    """Two different survey sources claim one object_id."""


class UnknownObjectError(CatalogError):
    """No galaxy has that object_id."""


class QueryError(CatalogError):
    """Postgres refused a user's query."""


class PositionsError(CatalogError):
    """A list of positions cannot be read."""


class TaskError(CatalogError):
    """A task is not as it must be, or its columns cannot be changed."""


class LabelError(CatalogError):
    """A label fits no task, no galaxy or no labeller."""


class VotesError(CatalogError):
    """A table of volunteers' votes cannot be used."""


class BackupError(CatalogError):
    """A backup cannot be made, or is not read into a database."""
