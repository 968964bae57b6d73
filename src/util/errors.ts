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

/**
 * What any error says in one sentence: one of the file system that nobody has put into words names its path
 * and the reason.
 */
export function errorText(error: unknown): string {
  const { code, syscall, path, dest } = error as NodeJS.ErrnoException & { dest?: string }
  if (error instanceof UserError || code === undefined || syscall === undefined || path === undefined)
    return (error as Error).message
  return `cannot ${syscall} ${[path, ...(dest === undefined ? [] : [dest])].join(' to ')}: ${fileProblem(error)}`
}
