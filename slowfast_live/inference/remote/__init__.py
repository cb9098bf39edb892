"""Models that run on an inference server elsewhere, by the Open Inference Protocol (KServe v2) over gRPC.

OpenVINO Model Server and Triton speak it. Needs the packages of the extra `remote`; they are imported on first use.
"""
