"""Who people are: accounts, organisations, projects with roles, tokens that only narrow rights, invitations."""
