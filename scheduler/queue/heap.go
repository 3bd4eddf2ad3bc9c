package queue

// heap is a binary heap of the entries of one place, which know their index.
type heap struct {
	place place
	items []*Entry `state:"incidental" why:"an index of the entries"`
}

func (h *heap) push(e *Entry) {
	e.place = h.place
	e.priority = e.Pod.Priority
	e.index = len(h.items)
	h.items = append(h.items, e)
	h.up(e.index)
}

func (h *heap) pop() *Entry {
	e := h.items[0]
	h.remove(e)
	return e
}

func (h *heap) remove(e *Entry) {
	i, last := e.index, len(h.items)-1
	moved := h.items[last]
	h.items[last] = nil
	h.items = h.items[:last]
	e.place = nowhere
	if i < last {
		h.items[i] = moved
		moved.index = i
		h.fix(moved)
	}
}

func (h *heap) fix(e *Entry) {
	h.down(e.index)
	h.up(e.index)
}

func (h *heap) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.items[i].beforeIn(h.place, h.items[parent]) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h *heap) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(h.items) {
			return
		}
		if child+1 < len(h.items) && h.items[child+1].beforeIn(h.place, h.items[child]) {
			child++
		}
		if !h.items[child].beforeIn(h.place, h.items[i]) {
			return
		}
		h.swap(i, child)
		i = child
	}
}

func (h *heap) swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	h.items[i].index, h.items[j].index = i, j
}
