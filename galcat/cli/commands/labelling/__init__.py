"""Commands by which people say what they see, and models learn it: tasks, labels, ratings, who may log in."""
