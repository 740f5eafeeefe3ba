"""The preferences in use, each change of which is written to their file."""

from cifar_tui.tui.settings.preferences import Preferences, PreferencesFile


class KeptPreferences:
    """The preferences that the screens share."""

    def __init__(self, preferences: Preferences, file: PreferencesFile | None = None) -> None:
        """Start with these; a change is kept in the file, where there is one."""
        self.current = preferences
        self._file = file

    @property
    def trouble(self) -> str:
        """One sentence if the file could not be used."""
        return self._file.trouble if self._file is not None else ""

    def keep(self, preferences: Preferences) -> None:
        """Use these from now on, and write them down if they differ."""
        if preferences != self.current:
            self.current = preferences
            if self._file is not None:
                self._file.write(preferences)
