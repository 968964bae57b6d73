#!/usr/bin/env node
/** @file The program `espalier`. */
import { runCli } from './cli.ts'
import { processIo } from './io.ts'

const io = processIo(() => {
  process.exitCode = 1
})
const status = await runCli(process.argv.slice(2), io)
process.exitCode ||= status
