"""The Power BI report as text, and what checks it and makes the template `.pbit` of it."""
