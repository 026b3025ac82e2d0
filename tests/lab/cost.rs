//! What Holdfast costs beside the bare commands, on one machine and in one go. Nothing here asserts a time: the figures
//! are printed for `./dev bench`, because machines are noisy.

use std::time::{Duration, Instant};

use crate::host::Host;

const DISKS: [(&str, &str); 4] =
    [("HF-DISK-1", "600MiB"), ("HF-DISK-2", "600MiB"), ("HF-DISK-3", "600MiB"), ("HF-DISK-4", "600MiB")];

/// What somebody who trusts the machine would write for `kvm-storage`.
const BARE: &str = "set -e
mdadm --create /dev/md/kvm --name=kvm --homehost=any --metadata=1.2 --level=10 --raid-devices=4 --chunk=512K --bitmap=internal \
    --run --quiet /dev/vdb /dev/vdc /dev/vdd /dev/vde
udevadm settle
mdadm --detail --brief /dev/md/kvm >> /etc/mdadm/mdadm.conf
update-initramfs -u -k all
pvcreate -q /dev/md/kvm
vgcreate -q vg_kvm /dev/md/kvm
lvcreate -q -y -W y -n images -l 60%VG vg_kvm
lvcreate -q -y -W y -n export -l 30%VG vg_kvm
mkfs.xfs -q -L images /dev/vg_kvm/images
mkfs.ext4 -q /dev/vg_kvm/export
udevadm settle
mkdir -p /var/lib/libvirt/images /srv/export
echo \"UUID=$(blkid -s UUID -o value /dev/vg_kvm/images) /var/lib/libvirt/images xfs noatime 0 0\" >> /etc/fstab
echo \"UUID=$(blkid -s UUID -o value /dev/vg_kvm/export) /srv/export ext4 defaults 0 0\" >> /etc/fstab
systemctl daemon-reload
mount /var/lib/libvirt/images
mount /srv/export
echo '/srv/export 127.0.0.0/8(rw,sync,no_subtree_check,root_squash)' > /etc/exports.d/holdfast.exports
exportfs -ra
printf '%s\\n' vm.dirty_background_bytes=268435456 vm.dirty_bytes=1073741824 vm.swappiness=10 vm.vfs_cache_pressure=50 \
    fs.aio-max-nr=1048576 > /etc/sysctl.d/90-holdfast.conf
sysctl -q -p /etc/sysctl.d/90-holdfast.conf
sync";

/// Takes away what either of them has made.
const CLEAR: &str = "exportfs -ua; rm -f /etc/exports.d/*; umount /var/lib/libvirt/images /srv/export
sed -i '/libvirt\\|srv.export/d' /etc/fstab; rm -f /etc/sysctl.d/90-holdfast.conf; sed -i '/^ARRAY/d' /etc/mdadm/mdadm.conf
vgremove -q -ff -y vg_kvm; pvremove -q -ff -y /dev/md/kvm; mdadm --stop --quiet /dev/md/kvm
for d in /dev/vd[b-e]; do mdadm --zero-superblock $d; blkdiscard -z $d; done
systemctl daemon-reload; udevadm settle; sync";

#[test]
#[ignore = "boots a virtual machine; ./dev bench runs it"]
fn the_whole_stack_is_built_beside_the_bare_commands() {
    let host = Host::with(&DISKS);
    host.sh("mkdir -p /etc/exports.d; systemctl start nfs-server");
    // The agent is brought once for all runs.
    host.kvm_storage(&["--check"]).must(0);
    let (mut bare, mut ours, mut again) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        bare.push(timed(|| drop(host.sh(BARE))));
        host.sh(CLEAR);
        ours.push(timed(|| assert!(host.kvm_storage(&[]).must(0).changed() > 0)));
        again.push(timed(|| assert_eq!(host.kvm_storage(&[]).must(0).changed(), 0)));
        host.sh(CLEAR);
    }
    let [bare, ours, again] = [bare, ours, again].map(median);
    eprintln!("the whole stack by bare commands  {bare:6.2} s   1.00 x");
    eprintln!("the whole stack by holdfast       {ours:6.2} s  {:5.2} x  (at most 1.3)", ours / bare);
    eprintln!("the same again, unchanged         {again:6.2} s          (at most 1.5 s)");
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}
