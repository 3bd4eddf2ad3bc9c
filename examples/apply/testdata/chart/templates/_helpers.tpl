{{/* no manifest */}}
