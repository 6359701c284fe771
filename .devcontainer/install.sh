#!/usr/bin/env bash
# Installs what tests and style checks need beside the SDKs.
set -euo pipefail
sudo apt-get update -qq
sudo apt-get install -y -qq chromium libgomp1 >/dev/null
dotnet tool restore
npm ci --prefix build/style --no-audit --no-fund
build/style/node_modules/.bin/lefthook install
