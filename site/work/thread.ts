/** @file The script of a thread that computes beside a page's worker. */
import '../../src/web-thread.ts'
