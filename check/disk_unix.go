//go:build linux || darwin

package check

import "syscall"

// freeSpace is how many bytes the file system of a folder has left for us.
func freeSpace(dir string) (bytes uint64, known bool) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, false
	}
	return fs.Bavail * uint64(fs.Bsize), true
}
