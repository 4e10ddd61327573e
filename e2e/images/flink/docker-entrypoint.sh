#!/bin/bash
# What Flink on Kubernetes calls: `bash -c "kubernetes-jobmanager.sh …"`. Nothing is prepared here, the configuration
# comes mounted; tini stands in front so that the JVM gets signals and its children are collected.
exec tini -s -- "$@"
