// Package sealed makes texts that only this daemon can read and that nobody can change: session tokens, and the encoded
// messages of refusals. What is sealed is kept by who has it, and by nobody here.
package sealed
