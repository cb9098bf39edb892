"""What was found, to take along: JSON, CSV, subtitles, the report, annotated video. No Qt, no OpenVINO here."""
