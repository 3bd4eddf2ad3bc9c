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
	// Settled after 3.377s of virtual time: statefulset site has 2/2 replicas ready, 2 claims are bound.
	//
	// $ kubectl get sts
	// NAME   READY   AGE
	// site   2/2     3s
	//
	// $ kubectl get pods -o wide
	// NAME     READY   STATUS    RESTARTS   AGE   IP           NODE     NOMINATED NODE   READINESS GATES
	// site-0   1/1     Running   0          3s    10.244.3.2   node-3   <none>           <none>
	// site-1   1/1     Running   0          2s    10.244.1.2   node-1   <none>           <none>
	//
	// $ kubectl get pvc
	// NAME           STATUS   VOLUME                                     CAPACITY   ACCESS MODES   STORAGECLASS   VOLUMEATTRIBUTESCLASS   AGE
	// pages-site-0   Bound    pvc-795b8184-c4f6-494f-a936-2ec2d9da0651   1Gi        RWO                           <unset>                 3s
	// pages-site-1   Bound    pvc-d54e833a-6354-41a6-b8e3-10323c094915   1Gi        RWO                           <unset>                 2s
	//
	// $ kubectl get pv
	// NAME                                       CAPACITY   ACCESS MODES   RECLAIM POLICY   STATUS   CLAIM                  STORAGECLASS   VOLUMEATTRIBUTESCLASS   REASON   AGE
	// pvc-795b8184-c4f6-494f-a936-2ec2d9da0651   1Gi        RWO            Delete           Bound    default/pages-site-0                  <unset>                          3s
	// pvc-d54e833a-6354-41a6-b8e3-10323c094915   1Gi        RWO            Delete           Bound    default/pages-site-1                  <unset>                          2s
	//
	// $ kubectl get svc
	// NAME         TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE
	// kubernetes   ClusterIP   10.96.0.1    <none>        443/TCP   3s
	// site         ClusterIP   None         <none>        80/TCP    3s
}
