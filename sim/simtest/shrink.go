package simtest

import "slices"

// maxAttempts bounds how many scripts Shrink runs.
const maxAttempts = 400

// Shrink returns a script that fails as well and is as small as it can be made
// in a bounded number of attempts: without the operations that do not matter,
// and with the simplest arguments. If the script does not fail it is returned
// as it is.
//
// Rapid makes what it has drawn smaller, too; but it knows draws, where Shrink
// knows operations, and it is bounded by wall time.
func (trial Trial) Shrink(script Script) Script {
	trial.Marks = nil
	left := maxAttempts
	fails := func(s Script) bool {
		if left == 0 {
			return false
		}
		left--
		_, err := trial.Run(s)
		return err != nil
	}
	with := func(ops []Operation) Script { return Script{script.Seed, script.Policy, ops} }
	for size := max(len(script.Operations)/2, 1); ; {
		before := len(script.Operations)
		for i := 0; i+size <= len(script.Operations); {
			if shorter := with(slices.Delete(slices.Clone(script.Operations), i, i+size)); fails(shorter) {
				script = shorter
			} else {
				i++
			}
		}
		if size == 1 && len(script.Operations) == before || left == 0 {
			break
		}
		size = max(size/2, 1)
	}
	for i, o := range script.Operations {
		for j := range o.Args {
			for _, simple := range kindOf(o.Do).args[j].some {
				if simple == o.Args[j] {
					break
				}
				ops := slices.Clone(script.Operations)
				ops[i].Args = slices.Clone(ops[i].Args)
				ops[i].Args[j] = simple
				if fails(with(ops)) {
					script = with(ops)
					o = ops[i]
					break
				}
			}
		}
	}
	return script
}
