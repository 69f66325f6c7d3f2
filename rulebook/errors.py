"""The foundation: errors whose text a person reads. Everything may import this, and it imports nothing of ours."""


class RulebookError(Exception):
    """Something a person can mend. The text is a whole sentence: what happened, what is safe, what to do."""


class WrongUsage(RulebookError):
    """The command was called in a way that cannot mean anything: exit code 2."""


class CannotStart(RulebookError):
    """The work could not start or finish, and nothing half-done counts: exit code 1."""


class NotAllowed(RulebookError):
    """The person may not do this, or not to this rule. Nothing was changed; the text says whom to ask."""


class LostRace(RulebookError):
    """Somebody else changed the row first. A business verb is tried again from its start."""


class WrongState(RulebookError):
    """It was decided, closed or reworded meanwhile: 409 where a page or the API was asked. Nothing was changed."""
