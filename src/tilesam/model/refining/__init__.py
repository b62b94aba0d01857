"""A second look at a mask: the object alone, enlarged, with the pixels of the image.

`region` says where to look, `sampling` reads there, `inputs` makes channels of pixels,
earlier masks and prompts, `network` answers.
"""
