"""Access rights: who may read and change which part of the configuration and of the state.

Roles, users and groups are those of the configuration, with Pacemaker's meaning: a right is on the element that an
XPath, a reference or a type selects, and on all within it; the innermost element that has a right decides, and among
rights on the same element `deny` comes before `write`, and `write` (which includes reading) before `read`. What no
right is on is denied. Of an element that is not readable but contains something that is, the id is seen (of a node,
the name).

`xpath` is the part of XPath that is understood, `rules` what an account's roles say, `reading` takes out of a
configuration what may not be read, `writing` judges a change, `state` is the same for the status section.
"""
