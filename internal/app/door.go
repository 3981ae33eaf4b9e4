package app

import (
	"net/http"

	"kumiko/internal/api"
	"kumiko/internal/session/door"
)

// doors makes the service that serves the APIs within networks.
func (d *daemon) doors(front http.Handler, authority *door.Authority) *door.Service {
	return door.New(door.Config{
		Run: d.folder.run(), Authority: authority, Log: d.conf.Log,
		Serve: func(w http.ResponseWriter, r *http.Request, way door.Way) {
			ctx := api.WithWay(r.Context(), api.Way{Endpoint: way.Endpoint, VPC: way.VPC, Source: way.Source, Service: way.Service})
			front.ServeHTTP(w, r.WithContext(ctx))
		},
	})
}
