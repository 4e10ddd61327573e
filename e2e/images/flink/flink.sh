# Functions for the parts that make images with Flink. Sourced by them; they have `set -euo pipefail`, REPO and OUT.

# millrace_flink_home VERSION HOME   Flink of that version from its PyPI distribution: a FLINK_HOME without start scripts
# but with lib, opt, plugins, bin/bash-java-utils.jar.
millrace_flink_home() {
  local version=$1 home=$2 work
  work=$(mktemp -d)
  echo "flink $version: the PyPI distribution"
  python3 -m pip download --quiet --disable-pip-version-check --no-input --no-deps --no-binary :all: \
    --dest "$work" "apache-flink-libraries==$version"
  # Spelled with hyphens by older ones, and with underscores.
  tar -xzf "$work"/apache?flink?libraries-"$version".tar.gz -C "$work" --strip-components=1
  mkdir -p "$home"
  cp -r "$work"/deps/{bin,lib,opt,plugins,licenses} "$home/"
  # Python jobs need a Python in the image as well, which this one has not.
  rm -f "$home"/opt/flink-python-*.jar
  rm -rf "$work"
}

# millrace_flink_extras POM DIRECTORY   What that distribution lacks, as POM lists it.
millrace_flink_extras() {
  local work
  work=$(mktemp -d)
  cp "$1" "$work/pom.xml"
  mvn -B -ntp -q -f "$work/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$2"
  rm -rf "$work"
}

# millrace_flink_root ROOT HOME ROOTFS   The files of an image: HOME as /opt/flink, the entry points, the user `flink`.
millrace_flink_root() {
  local root=$1 home=$2 rootfs=$3 scripts=$REPO/e2e/images/flink file
  chmod 755 "$root"
  mkdir -p "$root/opt"
  cp -r "$home" "$root/opt/flink"
  mkdir -p "$root"/opt/flink/{conf,log,usrlib}
  install -m 755 "$scripts/docker-entrypoint.sh" "$root/docker-entrypoint.sh"
  install -m 755 "$scripts/start.sh" "$root/opt/flink/bin/kubernetes-jobmanager.sh"
  ln -s kubernetes-jobmanager.sh "$root/opt/flink/bin/kubernetes-taskmanager.sh"
  # Hadoop's file system refuses to start for a user id without a name.
  mkdir "$root/etc"
  for file in passwd group; do
    tar --extract --to-stdout --file "$rootfs" "./etc/$file" >"$root/etc/$file"
  done
  echo 'flink:x:9999:9999:Flink:/opt/flink:/usr/sbin/nologin' >>"$root/etc/passwd"
  echo 'flink:x:9999:' >>"$root/etc/group"
  chmod -R a+rX "$root"
}

# millrace_flink_config FILE   How an image of it starts.
millrace_flink_config() {
  cat >"$1" <<'JSON'
{"User": "9999:9999", "WorkingDir": "/opt/flink",
 "Env": ["PATH=/opt/flink/bin:/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8", "FLINK_HOME=/opt/flink",
         "JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64"],
 "Entrypoint": ["/docker-entrypoint.sh"], "ExposedPorts": {"6123/tcp": {}, "8081/tcp": {}}}
JSON
}

# millrace_flink_streams HOME ROOT   The streaming example, compiled against HOME, into ROOT/opt/flink/usrlib.
millrace_flink_streams() {
  local home=$1 root=$2 classes
  classes=$(mktemp -d)
  mkdir -p "$root/opt/flink/usrlib"
  find "$REPO/examples/streams/src" -name '*.java' -exec \
    javac --release 11 -Xlint:all,-processing,-serial,-path,-classfile -Werror -cp "$home/lib/*" -d "$classes" {} +
  # Fixed times: the same classes give the same bytes.
  jar --create --date 1980-01-01T00:00:02Z --file "$root/opt/flink/usrlib/streams.jar" -C "$classes" .
  chmod 755 "$root"
  chmod -R a+rX "$root"
  rm -rf "$classes"
}
