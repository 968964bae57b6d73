#!/usr/bin/env node
/** @file The program `espalier`. */
import { runCli } from './cli.ts'
import { processIo } from './io.ts'

process.exitCode = await runCli(process.argv.slice(2), processIo())
