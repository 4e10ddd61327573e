# Functions for the parts that make images with Spark. Sourced by them; they have `set -euo pipefail`, REPO and OUT.

# millrace_spark_home VERSION HOME   Spark of that version from its PyPI distribution: bin, jars (Kubernetes included), python.
millrace_spark_home() {
  local version=$1 home=$2 work source
  work=$(mktemp -d)
  echo "spark $version: the PyPI distribution"
  python3 -m pip download --quiet --no-input --no-deps --no-binary :all: --dest "$work" "pyspark==$version"
  tar -xzf "$work/pyspark-$version.tar.gz" -C "$work"
  source=$work/pyspark-$version
  mkdir -p "$home/python/lib"
  cp -r "$source/deps/bin" "$source/deps/jars" "$home/"
  cp -r "$source/pyspark" "$home/python/pyspark"
  cp "$source"/lib/*.zip "$home/python/lib/"
  cp -r "$source/deps/licenses" "$home/" 2>/dev/null || true
  # The Scala shell of Spark Connect, Windows scripts, natives of other systems.
  rm -rf "$home/jars/connect-repl" "$home"/bin/*.cmd "$home/python/pyspark/python"
  rm -f "$home"/jars/*-{osx,windows,linux-aarch_64,linux-riscv64}*.jar
  chmod +x "$home"/bin/*
  rm -rf "$work"
}

# millrace_spark_extras POM HOME   What that distribution lacks, as POM lists it.
millrace_spark_extras() {
  local home=$2 work jar name artifact
  work=$(mktemp -d)
  cp "$1" "$work/pom.xml"
  mvn -B -ntp -q -f "$work/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$work/extra"
  # Spark's client of Hadoop and the file system for S3 must be of one version.
  for jar in "$work"/extra/hadoop-aws-*.jar; do
    name=$(basename "$jar")
    test -f "$home/jars/hadoop-client-api-${name#hadoop-aws-}"
  done
  for jar in "$work"/extra/*.jar; do
    name=$(basename "$jar")
    artifact=$(sed -E 's/-[0-9].*//' <<<"$name")
    # What Spark has in its own version stays; its jcl-over-slf4j stands for commons-logging.
    if [ "$artifact" = commons-logging ] || compgen -G "$home/jars/$artifact-[0-9]*.jar" >/dev/null; then continue; fi
    cp "$jar" "$home/jars/"
    echo "  $name"
  done
  rm -rf "$work"
}

# millrace_spark_root ROOT HOME   The files of an image: HOME as /opt/spark, the entry point, pyspark for a plain python3.
millrace_spark_root() {
  local root=$1 home=$2 packages=$1/usr/local/lib/python3.11/dist-packages
  chmod 755 "$root"
  mkdir -p "$root/opt" "$packages"
  cp -r "$home" "$root/opt/spark"
  install -m 755 "$REPO/e2e/images/spark/entrypoint.sh" "$root/opt/entrypoint.sh"
  (cd "$root" && printf '/%s\n' opt/spark/python opt/spark/python/lib/py4j-*-src.zip) >"$packages/spark.pth"
  chmod -R a+rX "$root/opt" "$root/usr"
}

# millrace_spark_config FILE   How an image of it starts.
millrace_spark_config() {
  cat >"$1" <<'JSON'
{"User": "185:185", "WorkingDir": "/tmp",
 "Env": ["PATH=/usr/local/bin:/usr/bin:/bin:/opt/spark/bin", "HOME=/tmp", "LANG=C.UTF-8",
         "JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64", "SPARK_HOME=/opt/spark",
         "PYSPARK_PYTHON=python3", "PYSPARK_DRIVER_PYTHON=python3", "PYTHONUNBUFFERED=1"],
 "Entrypoint": ["/opt/entrypoint.sh"]}
JSON
}
