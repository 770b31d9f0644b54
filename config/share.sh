#!/bin/sh
# Copies what ships as data to where the program as built looks for it.
# usage: share.sh FOLDER STAMP FILE...
set -eu
folder=$1 stamp=$2
shift 2
rm -rf "$folder"
mkdir -p "$folder/applications"
for file; do
  case $file in
    */applications/*) cp "$file" "$folder/applications/" ;;
    *) cp "$file" "$folder/" ;;
  esac
done
touch "$stamp"
