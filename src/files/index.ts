/**
 * Files of the system: what everything that reads and writes them stands on. Formats do not live here; nor does anything
 * that could run in a page.
 */

export { anyFile, type FileAccess, lookingAccess } from './access.js';
export { makeFolderSync } from './folder.js';
export { FolderLock, LOCK_FILE, lockOwner } from './lock.js';
export { LineLog } from './log.js';
export { isDead, thisOwner } from './owner.js';
export { kindOf, openRegular, openRegularSync, readFileAs, readRegular, readRegularSync, readUpTo } from './read.js';
export { fileError, systemReason } from './reasons.js';
export { isTemporary, removeLeftovers, temporaryBeside } from './temporary.js';
export { FolderUpdate, finishUpdates } from './update.js';
export { walkFolder } from './walk.js';
export { moveInPlaceSync, writeAtomically, writeAtomicallySync, writeNewSync, writeTextSync } from './write.js';
