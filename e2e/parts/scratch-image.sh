# Sourced by recipes: an image of static files only, as a docker-archive, without any image tool.
#
#   scratch_image NAME ROOT ENTRYPOINT USER TAR
#
# ROOT is the directory that becomes /, USER a numeric id. The same files give the same bytes.
scratch_image() {
    local name=$1 root=$2 entrypoint=$3 user=$4 tar=$5 work layer config
    work=$(mktemp -d)
    tar --create --file "$work/layer.tar" --directory "$root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner .
    layer=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
    cat > "$work/config.json" <<JSON
{"architecture":"$(dpkg --print-architecture)","os":"linux","created":"1970-01-01T00:00:00Z","config":{"User":"$user","Entrypoint":["$entrypoint"]},"rootfs":{"type":"layers","diff_ids":["sha256:$layer"]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"millrace parts"}]}
JSON
    config=$(sha256sum "$work/config.json" | cut -d' ' -f1)
    mv "$work/config.json" "$work/$config.json"
    mkdir "$work/$layer"
    mv "$work/layer.tar" "$work/$layer/layer.tar"
    echo "[{\"Config\":\"$config.json\",\"RepoTags\":[\"$name\"],\"Layers\":[\"$layer/layer.tar\"]}]" > "$work/manifest.json"
    tar --create --file "$tar" --directory "$work" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
        manifest.json "$config.json" "$layer"
    rm -r "$work"
}
