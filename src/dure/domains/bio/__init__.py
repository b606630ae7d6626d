"""Drug discovery: pools of molecules, measured and docked."""
