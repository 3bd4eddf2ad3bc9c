// This file lets isMemberOf have no body: see manager.go.
