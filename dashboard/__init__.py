"""The web dashboard: pages of dashboard/*.yaml over the schema bi, drawn by Plotly Dash."""
