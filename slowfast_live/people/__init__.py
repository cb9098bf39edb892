"""People in the picture: detectors, tracks over time, and the square that follows one person. No Qt.

A detector finds the people in one frame, a tracker gives each an identity over time, and a follow window cuts the clip
of one person, so that any classification model can be asked what that person does.
"""
