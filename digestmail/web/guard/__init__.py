"""What stands before a sign-up, so that the form cannot be used to flood mailboxes or to learn who reads us."""
