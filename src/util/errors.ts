/**
 * @file Errors that a person caused and can mend: shown as one sentence, without a stack trace.
 */

/** The message names the file or key, what was found and what was expected. */
export class UserError extends Error {
  override name = 'UserError'
}

/** What went wrong with a file, from a Node error: `ENOENT` and its kin in words. */
export function fileProblem(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  const words: Record<string, string> = {
    ENOENT: 'there is no such file or folder',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
    EISDIR: 'it is a folder, not a file',
    ENOTDIR: 'a part of the path is a file, not a folder',
    EEXIST: 'it exists already',
  }
  return (code && words[code]) ?? (error as Error).message
}

/** An error of the operating system: a full disk, a file that is not there, a refused connection. */
interface SystemError {
  code: string
  syscall: string
  message: string
  path?: string
  dest?: string
}

const isSystemError = (error: unknown): error is SystemError =>
  typeof error === 'object' && error !== null && 'code' in error && 'syscall' in error

/** Whether a person can mend what is wrong; every other error is a bug of this program. */
export const isMendable = (error: unknown): boolean => error instanceof UserError || isSystemError(error)

/**
 * What any error says in one sentence: one of the file system that nobody has put into words names its path
 * and the reason.
 */
export function errorText(error: unknown): string {
  if (error instanceof UserError || !isSystemError(error) || error.path === undefined) return (error as Error).message
  const { syscall, path, dest } = error
  return `cannot ${syscall} ${[path, ...(dest === undefined ? [] : [dest])].join(' to ')}: ${fileProblem(error)}`
}
