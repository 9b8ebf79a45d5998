"""What people see: words and formats, plots, the HTML report, the workbook, findings.json."""
