#!/bin/bash
# Builds BVLC Caffe's command line tool `caffe`, CPU only, on Debian 12, to measure Caffe itself beside our engines:
#
#     ./build_caffe.sh /opt/caffe
#     MOKAPOT_BENCH_CAFFE=/opt/caffe/bin/caffe npm run bench -- ...
#
# The source is PyPI's source package brocolli-caffe 9.0.2 (BVLC's commit 9b89154 with layers of forks added). Built are the library's
# sources without tests, the protocol buffers' and tools/caffe.cpp, by g++ with -O2 -DNDEBUG, without OpenCV, LMDB, LevelDB, Python and
# CUDA, against Debian's OpenBLAS. Needs root (apt-get), PyPI and Debian's mirror. JOBS sets how many compilers run (2).
# Takes 3 minutes on two cores.
# A build that failed leaves its folder (TARGET/build) and goes on from there next time; one that went well takes it away.
set -euo pipefail

target=${1:?usage: build_caffe.sh TARGET_FOLDER}
mkdir -p "$target/bin" "$target/build"
target=$(cd "$target" && pwd)
build=$target/build
version=9.0.2
sha256=c6410cc60bdd6db685d441b66be7df05410f8850ac88d6b75d48ef9b2315c08a

# What it is compiled with and linked to.
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends g++ make protobuf-compiler libprotobuf-dev libopenblas0-pthread libopenblas-dev \
  libboost-system-dev libboost-thread-dev libboost-filesystem-dev libboost-regex-dev libgoogle-glog-dev libgflags-dev libhdf5-dev

# The source. (pip asks a source package for its metadata, and for that fetches setuptools.)
cd "$build"
archive=brocolli-caffe-$version.tar.gz
[ -f "$archive" ] || pip download --quiet --no-binary :all: --no-deps --dest . "brocolli-caffe==$version"
echo "$sha256  $archive" | sha256sum --check --quiet
if [ ! -f source/unpacked ]; then
  rm -rf source
  mkdir source
  tar -xzf "$archive" -C source --strip-components=1
  # The one change to it. The package holds a header that another protoc made (3.6): Debian's makes its own.
  rm -f source/include/caffe/proto/caffe.pb.h
  touch source/unpacked
fi
mkdir -p generated/caffe/proto
[ -f generated/caffe/proto/caffe.pb.cc ] ||
  protoc --proto_path=source/src/caffe/proto --cpp_out=generated/caffe/proto source/src/caffe/proto/caffe.proto

cat > Makefile <<'END'
SOURCES := $(shell find source/src/caffe -name '*.cpp' -not -path '*/test/*') source/tools/caffe.cpp generated/caffe/proto/caffe.pb.cc
# The largest first, so that no compiler waits for the other at the end.
SOURCES := $(shell ls -S $(SOURCES))
OBJECTS := $(SOURCES:%=objects/%.o)
FLAGS := -std=c++14 -O2 -DNDEBUG -DCPU_ONLY -DUSE_HDF5 -DCAFFE_VERSION=1.0.0 -w -pthread \
  -DBOOST_BIND_GLOBAL_PLACEHOLDERS -DBOOST_ALLOW_DEPRECATED_HEADERS \
  -Igenerated -Isource/include -Isource/src -isystem /usr/include/hdf5/serial
LIBRARIES := -L/usr/lib/x86_64-linux-gnu/hdf5/serial -lglog -lgflags -lprotobuf -lboost_system -lboost_thread -lboost_filesystem \
  -lboost_regex -lhdf5_hl -lhdf5 -lopenblas -pthread
caffe: $(OBJECTS)
	@g++ -o $@ $(OBJECTS) $(LIBRARIES)
objects/%.o: %
	@mkdir -p $(@D)
	@echo $<
	@g++ $(FLAGS) -c $< -o $@
END
nice -n 19 make --keep-going -j"${JOBS:-2}" caffe

# Without symbols. Only the tool stays.
strip -o "$target/bin/caffe" caffe
cd "$target"
rm -rf "$build"
echo "$target/bin/caffe"
