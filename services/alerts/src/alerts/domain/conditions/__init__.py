"""What each kind of condition means: facts about one subject in, moments out. Pure, and one function a kind."""
