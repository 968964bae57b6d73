#!/usr/bin/env node
/** @file The program `espalier`. */
import { runCli } from './cli.ts'
import { tellError } from './errors.ts'
import { processIo } from './io.ts'

const io = processIo((problem) => {
  process.exitCode = 1
  tellError(problem, io)
})
const status = await runCli(process.argv.slice(2), io)
process.exitCode ||= status
