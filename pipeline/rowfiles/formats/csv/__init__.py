"""CSV row files: RFC 4180 in UTF-8, comma, LF, CRLF or CR, the last line ended."""
