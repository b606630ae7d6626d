"""What past campaigns are worth to the next one."""
