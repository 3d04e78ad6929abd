/** What the front is made of, in one import. */
export { openCapture } from './front/capture.ts'
export { openFrontJournal } from './front/journal.ts'
export { openPorts } from './front/ports.ts'
export { openServices } from './front/services.ts'
