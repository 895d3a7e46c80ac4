package page

import (
	"fmt"
	"html/template"
	"strings"
)

// HTML is the page for a browser: it needs no script and nothing from another host.
func (p Page) HTML() ([]byte, error) {
	var b strings.Builder
	if err := pageTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("render the page of %s: %w", p.Code, err)
	}
	return []byte(b.String()), nil
}

var pageTemplate = template.Must(template.New("page").Parse(`{{define "steps"}}
<ol>
{{- range .}}
<li>{{.Text}}
{{- with .Alternatives}}<ul>
{{- range .}}
<li>{{.}}</li>
{{- end}}
</ul>
{{- end}}</li>
{{- end}}
</ol>
{{- end}}<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Code}}: {{.Title}}</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.55 system-ui, sans-serif; max-width: 44rem; margin: 2.5rem auto; padding: 0 1.25rem }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .25rem 0 1rem }
h2 { font-size: 1.05rem; margin: 1.75rem 0 .35rem }
p { margin: .35rem 0 }
li { margin: .3rem 0 }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere }
pre { padding: .8rem 1rem; border: 1px solid #8886; border-radius: .4rem; white-space: pre-wrap }
.code { opacity: .75 }
</style>
</head>
<body>
<p class="code"><code>{{.Code}}</code></p>
<h1>{{.Title}}</h1>
<h2>What it means</h2>
<p>{{.Cause}}</p>
<h2>Who mends it</h2>
<p>{{.Mends}}.</p>
<h2>What to do</h2>
{{- template "steps" .Do}}
{{- with .Command}}
<pre>{{.}}</pre>
{{- end}}
{{- with .ManagedCommand}}
<p>Where the identity is a managed identity:</p>
<pre>{{.}}</pre>
{{- end}}
{{- with .Placeholders}}
<ul>
{{- range .}}
<li><code>&lt;{{.Name}}&gt;</code>: {{.Meaning}}</li>
{{- end}}
</ul>
{{- end}}
{{- with .IfLost}}
<h2>If it was there before</h2>
<p>{{.Cause}}</p>
<p>Who mends it then: {{.Mends}}.</p>
{{- template "steps" .Do}}
{{- end}}
<h2>Does it pass by itself?</h2>
<p>{{.Passes}}</p>
{{- with .Answers}}
<h2>Answers that lead to it</h2>
<ul>
{{- range .}}
<li>{{.}}</li>
{{- end}}
</ul>
{{- end}}
</body>
</html>
`))
