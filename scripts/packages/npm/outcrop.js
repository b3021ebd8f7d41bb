#!/usr/bin/env node
// Starts the program of the package for this system: same arguments, input, output and exit code.
"use strict";

const { spawn } = require("node:child_process");

const name = `outcrop-${process.platform}-${process.arch}`;

function program() {
  try {
    return require.resolve(`${name}/bin/outcrop`);
  } catch {
    console.error(
      `outcrop: the package for this system (${name}) is not installed. There are packages for Linux with glibc and ` +
        "macOS, on x64 and arm64. If yours is one of them, install again without --omit=optional.",
    );
    process.exit(1);
  }
}

const child = spawn(program(), process.argv.slice(2), { stdio: "inherit" });

child.on("error", (error) => {
  console.error(`outcrop: ${error.message}`);
  process.exit(1);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    // A terminal sends Ctrl-C to both processes; the program takes a second signal for impatience.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}

child.on("exit", (code, signal) => {
  if (signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  } else {
    process.exitCode = code;
  }
});
