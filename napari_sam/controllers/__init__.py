"""From state to the engine and back, without Qt.

Controllers know a session and its state, never layers or widgets. Time comes from an
injected `later(seconds, function)`; whatever takes long goes to the engine's thread.
"""
