#!/bin/sh
# Runs every row of the op table and steps of training on NEON, under emulation, and compares their bits with golden.json.
# For Debian and its like, as root: installs qemu-user and the cross compiler, unpacks an arm64 Python into build/neon.
set -eu
cd "$(dirname "$0")/.."
target=aarch64-unknown-linux-gnu
mkdir -p build/neon/debs build/neon/root build/neon/site
dpkg --add-architecture arm64
apt-get update -qq
apt-get install -qq --yes qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross
python=$(apt-cache depends python3:arm64 | sed -n 's/.*Depends: \(python3\.[0-9]*\).*/\1/p' | head -n 1)
(
    cd build/neon/debs
    for package in "$python" "$python-minimal" "lib$python-minimal" "lib$python-stdlib" libc6 zlib1g libexpat1 libssl3 \
        libffi8 libbz2-1.0 liblzma5 libuuid1 libgcc-s1 libstdc++6 libcrypt1 libncursesw6 libtinfo6 libsqlite3-0; do
        apt-get download -qq "$package:arm64"
    done
    for deb in *.deb; do dpkg-deb -x "$deb" ../root; done
)
python3 -m pip install --quiet --target build/neon/site --upgrade --only-binary :all: --python-version "${python#python}" \
    --platform manylinux_2_28_aarch64 --platform manylinux2014_aarch64 numpy hypothesis
rustup target add $target
CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc PYO3_CROSS=1 \
    cargo build --manifest-path rust/Cargo.toml --release --target $target --target-dir build/neon/target -p corten-python
for package in tensor-core autograd nn optim corten; do cp -r packages/$package/src/* build/neon/site; done
cp -r rust/python/corten_native build/neon/site
cp build/neon/target/$target/release/lib_native.so build/neon/site/corten_native/_native.abi3.so
qemu-aarch64 -L build/neon/root -E PYTHONPATH="build/neon/site:." "build/neon/root/usr/bin/$python" -m tests.digests --check
echo "the same bits on NEON"
