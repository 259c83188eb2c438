#!/usr/bin/env node
// The command `mokapot`: hands over to the compiled CLI.
import { main } from '../dist/src/cli/main.js';

process.exitCode = await main(process.argv.slice(2));
