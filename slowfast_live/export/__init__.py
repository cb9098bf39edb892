"""Export of results: JSON, CSV, subtitles, report, annotated video. No Qt and no OpenVINO here."""
