/**
 * @file What the thread that has a device and the one that waits for it have to agree on. JavaScript, since
 * the former is.
 */

/**
 * Places of the memory that both see: how many messages are done, the length of what went wrong, whether the
 * thread does nothing any more, and how often it answered that it is there.
 */
export const DONE = 0
export const PROBLEM = 1
export const CLOSED = 2
export const ANSWERED = 3
/** How many there are. */
export const PLACES = 4

/** Words of the calls of one dispatch, at most: a device binds so many of them. */
export const CALL_WORDS = 16_384
