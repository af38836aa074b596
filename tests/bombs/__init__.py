"""PDFs made to exhaust, confuse or take over whoever reads them; each is a few lines and a few kilobytes."""
