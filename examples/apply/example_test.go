package main

import (
	"os"
	"strings"
)

// Two web servers, each with a volume of its own, one after the other.
func Example() {
	run([]string{"-f", "testdata/site.yaml", "-provision", "-o", "tables"}, strings.NewReader(""), os.Stdout, os.Stderr)
	// Output:
	// $ kubectl apply -f testdata/site.yaml
	// service/site created
	// statefulset.apps/site created
	//
	// Settled after 12.708s of virtual time: statefulset site has 2/2 replicas ready, 2 claims are bound.
	//
	// $ kubectl get sts
	// NAME   READY   AGE
	// site   2/2     12s
	//
	// $ kubectl get pods -o wide
	// NAME     READY   STATUS    RESTARTS   AGE   IP           NODE     NOMINATED NODE   READINESS GATES
	// site-0   1/1     Running   0          12s   10.244.3.2   node-3   <none>           <none>
	// site-1   1/1     Running   0          4s    10.244.1.2   node-1   <none>           <none>
	//
	// $ kubectl get pvc
	// NAME           STATUS   VOLUME                                     CAPACITY   ACCESS MODES   STORAGECLASS   VOLUMEATTRIBUTESCLASS   AGE
	// pages-site-0   Bound    pvc-795b8184-c4f6-494f-a936-2ec2d9da0651   1Gi        RWO                           <unset>                 12s
	// pages-site-1   Bound    pvc-d54e833a-6354-41a6-b8e3-10323c094915   1Gi        RWO                           <unset>                 4s
	//
	// $ kubectl get pv
	// NAME                                       CAPACITY   ACCESS MODES   RECLAIM POLICY   STATUS   CLAIM                  STORAGECLASS   VOLUMEATTRIBUTESCLASS   REASON   AGE
	// pvc-795b8184-c4f6-494f-a936-2ec2d9da0651   1Gi        RWO            Delete           Bound    default/pages-site-0                  <unset>                          12s
	// pvc-d54e833a-6354-41a6-b8e3-10323c094915   1Gi        RWO            Delete           Bound    default/pages-site-1                  <unset>                          4s
	//
	// $ kubectl get svc
	// NAME         TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE
	// kubernetes   ClusterIP   10.96.0.1    <none>        443/TCP   12s
	// site         ClusterIP   None         <none>        80/TCP    12s
}
