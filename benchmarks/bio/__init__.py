"""Drug discovery: pools of measured compounds, docking against its published references, and design against docking targets."""
