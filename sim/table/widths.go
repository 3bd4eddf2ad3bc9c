package table

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// kubectl's tables: columns are at least 6 wide, and 3 spaces part them.
const (
	minWidth = 6
	padding  = 3
)

// widths are the widths of the columns printed so far. Each write is fitted to
// its own cells and to them, as kubectl's tabwriter does with RememberWidths.
// The last column of a line is not padded.
type widths []int

// write prints a heading, unless it is nil, and lines. The first line printed
// is filled up to the longest cells of the lines.
func (w *widths) write(out *strings.Builder, heading []string, lines [][]string) {
	longest := longestCells(lines)
	if heading != nil {
		lines = append([][]string{heading}, lines...)
	}
	for i, line := range lines {
		if i > 0 {
			longest = nil
		}
		w.learn(line, longest)
	}
	for _, line := range lines {
		w.writeLine(out, line)
	}
}

// longestCells returns the length of the longest cell of each column. kubectl
// counts bytes here, and of the cell before it is cut.
func longestCells(lines [][]string) []int {
	var longest []int
	for _, line := range lines {
		for i, c := range line {
			if i == len(longest) {
				longest = append(longest, 0)
			}
			longest[i] = max(longest[i], len(c))
		}
	}
	return longest
}

// learn widens the columns to hold a line, filled up to the longest cells.
func (w *widths) learn(line []string, longest []int) {
	for i, c := range line[:max(len(line)-1, 0)] {
		width := utf8.RuneCountInString(sanitize(c))
		if i < len(longest) {
			width += max(0, longest[i]-len(c))
		}
		switch width = max(minWidth, width+padding); {
		case i == len(*w):
			*w = append(slices.Clip(*w), width)
		case width > (*w)[i]:
			*w = slices.Clone(*w) // a copied Watcher keeps its own
			(*w)[i] = width
		}
	}
}

func (w widths) writeLine(out *strings.Builder, line []string) {
	for i, c := range line {
		c = sanitize(c)
		out.WriteString(c)
		if i < len(line)-1 {
			for n := utf8.RuneCountInString(c); n < w[i]; n++ {
				out.WriteByte(' ')
			}
		}
	}
	out.WriteByte('\n')
}

// sanitize cuts a cell at its first line break and disarms escape sequences,
// as kubectl does.
func sanitize(c string) string {
	if i := strings.IndexAny(c, "\f\n\r"); i >= 0 {
		return escape(c[:i]) + "..."
	}
	return escape(c)
}

func escape(s string) string {
	if !strings.ContainsAny(s, "\x1b\r") {
		return s
	}
	return strings.NewReplacer("\x1b", "^[", "\r", `\r`).Replace(s)
}
