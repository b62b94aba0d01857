"""What is going on in one annotation session, as evented records without Qt.

Controllers change them, views and layers listen: `state.events.message.connect(...)`.
They are read and changed on the window's thread alone.
"""
